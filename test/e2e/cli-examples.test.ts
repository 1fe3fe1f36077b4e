// The example servers alone, as any host would start them.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type McpSession, openMcpSession } from '../../src/cli/demo/mcp-session.ts';
import { exampleServer } from '../support/run-cli.ts';

let folder = '';
let session: McpSession | undefined;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-examples-')));
});
afterEach(async () => {
  await session?.close();
  session = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function open(name: string, ...args: string[]): Promise<McpSession> {
  session = await openMcpSession(
    { args: [exampleServer(name), ...args], env: { PATH: process.env['PATH'] ?? '' }, cwd: folder },
    new AbortController().signal,
  );
  return session;
}

describe('notes', () => {
  it('keeps its notes in the file that it is given, over its end', async () => {
    const file = join(folder, 'notes.json');
    const first = await open('notes', '--file', file);
    expect(await first.toolNames()).toEqual(['add_note', 'list_notes']);
    await first.call('add_note', { text: 'kept' });
    await expect(first.call('add_note', { text: ' ' })).rejects.toThrow('`text` must be a text that is not empty.');
    await first.close();
    const second = await open('notes', '--file', file);
    expect(await second.call('list_notes')).toMatchObject({ notes: [{ text: 'kept' }] });
  });
});

describe('project-files', () => {
  it('finds files and text in its project', async () => {
    mkdirSync(join(folder, 'src', 'node_modules'), { recursive: true });
    writeFileSync(join(folder, 'src', 'a.txt'), 'one\ntwo three\n');
    writeFileSync(join(folder, 'src', 'node_modules', 'b.txt'), 'two\n');
    const files = await open('project-files', folder);
    expect(await files.call('list_files')).toMatchObject({ root: folder, files: ['src/a.txt'] });
    expect(await files.call('find_text', { text: 'two' })).toMatchObject({
      hits: [{ file: 'src/a.txt', line: 2, text: 'two three' }],
    });
  });

  it('does not leave it, not even through a link', async () => {
    symlinkSync('/', join(folder, 'out'));
    const files = await open('project-files', folder);
    for (const path of ['..', '/etc', 'out']) {
      await expect(files.call('list_files', { folder: path })).rejects.toThrow('is not inside the project');
    }
  });
});
