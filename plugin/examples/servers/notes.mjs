#!/usr/bin/env node
// A notebook. Shared by everyone, all sessions write into the same one; `--file PATH` keeps it when the server ends.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { serve } from './serve.mjs';

const at = process.argv.indexOf('--file');
const file = at < 0 ? undefined : process.argv[at + 1];
const notes = load();

function load() {
  try {
    return file === undefined ? [] : JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

function save() {
  if (file === undefined) return;
  writeFileSync(`${file}.new`, JSON.stringify(notes), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

serve({
  name: 'notes',
  instructions: 'A notebook that all sessions with this server write into. Read it before you add a note.',
  tools: {
    add_note: {
      description: 'Writes a note that every session with this server can read.',
      inputSchema: {
        type: 'object',
        properties: { text: { type: 'string', description: 'The note' } },
        required: ['text'],
      },
      run: ({ text }) => {
        if (typeof text !== 'string' || text.trim() === '') throw new Error('`text` must be a text that is not empty.');
        notes.push({ text, at: new Date().toISOString() });
        save();
        return { stored: notes.length, pid: process.pid };
      },
    },
    list_notes: {
      description: 'All notes, oldest first, and the process that keeps them.',
      inputSchema: { type: 'object', properties: {} },
      run: () => ({ notes, pid: process.pid }),
    },
  },
  resources: {
    'notes://all': {
      name: 'All notes',
      description: 'The whole notebook as text',
      mimeType: 'text/plain',
      read: () => notes.map((note) => `${note.at}  ${note.text}`).join('\n'),
    },
  },
});
