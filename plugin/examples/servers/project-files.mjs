#!/usr/bin/env node
// Looks into one project: the folder given as argument, else the one it was started in. Reads only, never leaves it.
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { serve } from './serve.mjs';

const root = realpathSync(process.argv[2] ?? process.cwd());
const skipped = new Set(['.git', 'node_modules']);
/** More would fill the model's context without helping it. */
const maxEntries = 500;
const maxFileBytes = 1_000_000;

function inside(folder = '.') {
  if (typeof folder !== 'string') throw new Error('`folder` must be a path below the project.');
  const path = realpathSync(resolve(root, folder));
  if (path !== root && !path.startsWith(root + sep)) throw new Error(`${folder} is not inside the project.`);
  return path;
}

function filesBelow(folder) {
  const found = [];
  const waiting = [folder];
  while (waiting.length > 0 && found.length < maxEntries) {
    const at = waiting.shift();
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      if (skipped.has(entry.name)) continue;
      if (entry.isDirectory()) waiting.push(join(at, entry.name));
      else if (entry.isFile() && found.length < maxEntries) found.push(join(at, entry.name));
    }
  }
  return found.sort();
}

function linesOf(path) {
  if (statSync(path).size > maxFileBytes) return [];
  const bytes = readFileSync(path);
  return bytes.includes(0) ? [] : bytes.toString('utf8').split('\n');
}

const folder = { type: 'string', description: 'Folder below the project; without it the whole project' };

serve({
  name: 'project-files',
  instructions: `Looks into the project ${root}.`,
  tools: {
    list_files: {
      description: 'The files of the project, and the process that looked.',
      inputSchema: { type: 'object', properties: { folder } },
      run: (input) => ({
        root,
        files: filesBelow(inside(input.folder)).map((path) => relative(root, path)),
        pid: process.pid,
      }),
    },
    find_text: {
      description: 'Lines of the project that hold a text, with file and line number.',
      inputSchema: {
        type: 'object',
        properties: { text: { type: 'string', description: 'Text to find, as it is written' }, folder },
        required: ['text'],
      },
      run: (input, { progress }) => {
        if (typeof input.text !== 'string' || input.text === '') throw new Error('`text` must not be empty.');
        const files = filesBelow(inside(input.folder));
        const hits = [];
        for (const [i, path] of files.entries()) {
          for (const [n, line] of linesOf(path).entries()) {
            if (line.includes(input.text))
              hits.push({ file: relative(root, path), line: n + 1, text: line.slice(0, 200) });
          }
          progress(i + 1, files.length);
        }
        return { hits: hits.slice(0, maxEntries), pid: process.pid };
      },
    },
  },
});
