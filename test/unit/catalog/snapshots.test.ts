import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import {
  emptyListing,
  faultsIn,
  parseFace,
  type ServerFace,
  serializeFace,
  unknownListing,
} from '../../../src/catalog/server-face.ts';
import { openSnapshots } from '../../../src/catalog/snapshots.ts';
import { parseIntroduction, versionToAskIn } from '../../../src/upstream/handshake.ts';

const introduction = '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"x","n":1.50}}';
const tool = '{"name":"t\\u0041","inputSchema":{"type":"object"},"x":12345678901234567890 ,"y":[1.0]}';
const bytes = Buffer.from(
  `{"introduction":${introduction},"tools":[${tool}],"prompts":[],"resources":[{"uri":"x://u","name":"u"}],"resourceTemplates":[]}`,
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-snapshots-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const face = (): ServerFace => parseFace(bytes, parseIntroduction);
const open = (now = Date.now()) => openSnapshots(folder, silentLog, () => now);

it('keeps definitions byte for byte over a life of the daemon', () => {
  open().save('key', face());
  const found = open().find('key');
  expect(found?.lists.tools.items.map(({ raw, name }) => [raw.toString(), name])).toEqual([[tool, 'tA']]);
  expect(found?.introduction.raw).toBe(introduction);
  expect(found?.lists.tools.digest).toBe(face().lists.tools.digest);
  expect(serializeFace(found ?? face())).toEqual(serializeFace(face()));
});

it('writes what it has written already only if it is gone, and says when it was saved all the same', () => {
  const snapshots = open(2_000_000);
  const [path, file] = [join(folder, 'key.json'), () => statSync(join(folder, 'key.json'))];
  snapshots.save('key', face());
  const first = file().ino;
  utimesSync(path, 1, 1);
  snapshots.save('key', face());
  expect([file().ino, snapshots.savedAt('key')]).toEqual([first, 2_000_000]);
  const other = { ...face(), lists: { ...face().lists, prompts: emptyListing, tools: emptyListing } };
  snapshots.save('key', other);
  expect(open().find('key')?.lists.tools.items).toEqual([]);
  rmSync(path);
  snapshots.save('key', other);
  expect(open().find('key')?.lists.tools.items).toEqual([]);
});

it('keeps that the family of a server is only presumed, so that it is found out again', () => {
  const presumed = face();
  presumed.introduction.isPresumed = true;
  open().save('key', presumed);
  expect(versionToAskIn(open().find('key')?.introduction)).toBeUndefined();
  open().save('key', face());
  expect(versionToAskIn(open().find('key')?.introduction)).toBe('2025-06-18');
});

it('remembers what was wrong with definitions that it has in a readable form', () => {
  const lists = { tools: [tool, '{"name":"mended"}', '{"name":"out","inputSchema":5}'], prompts: ['null'] };
  const members = Object.entries(lists).map(([list, definitions]) => `"${list}":[${definitions.join(',')}]`);
  const written = Buffer.from(`{"introduction":${introduction},${members.join(',')}}`);
  open().save('key', parseFace(written, parseIntroduction));
  const known = open().find('key');
  expect(known?.lists.tools.items.map(({ raw }) => raw.toString())).toEqual([
    tool,
    '{"name":"mended","inputSchema":{"type":"object"}}',
  ]);
  expect(known && faultsIn(known)).toEqual([
    { list: 'tools', name: 'mended', what: 'inputSchema is missing', isLeftOut: false },
    { list: 'tools', name: 'out', what: 'inputSchema is a number, not an object', isLeftOut: true },
    { list: 'prompts', name: '#1', what: 'it is null, not an object', isLeftOut: true },
  ]);
});

it('looks again at what a build before this one wrote as it came', () => {
  writeFileSync(join(folder, 'key.json'), bytes.toString().replace(tool, `${tool},{"name":"old","title":null}`));
  const known = open().find('key');
  expect(known?.lists.tools.items.map(({ raw }) => raw.toString())).toEqual([
    tool,
    '{"name":"old","inputSchema":{"type":"object"}}',
  ]);
  expect(known && faultsIn(known)).toMatchObject([{ name: 'old', isLeftOut: false }]);
});

it('knows nothing under another key, and takes a damaged file for none', () => {
  open().save('key', face());
  expect(open().find('other')).toBeUndefined();
  const path = join(folder, 'key.json');
  writeFileSync(path, readFileSync(path).subarray(0, 40));
  expect(open().find('key')).toBeUndefined();
  writeFileSync(path, '{}');
  expect(open().find('key')).toBeUndefined();
});

it('does not write down a list that nobody knows, and knows it no more afterwards', () => {
  const known = face();
  open().save('key', { ...known, lists: { ...known.lists, tools: unknownListing } });
  const found = open().find('key');
  expect(found?.lists.tools).toBe(unknownListing);
  expect(found?.lists.resources.digest).toBe(known.lists.resources.digest);
});

it('doubts that a server had no tools where that was written before refusals were told apart from none', () => {
  const none = `{"introduction":${introduction},"tools":[],"prompts":[],"resources":[],"resourceTemplates":[]}`;
  open().save('key', face());
  writeFileSync(join(folder, 'key.json'), none);
  expect(open().find('key')?.lists.tools).toBe(unknownListing);
  writeFileSync(join(folder, 'key.json'), none.replace('"capabilities":{"tools":{}}', '"capabilities":{}'));
  expect(open().find('key')?.lists.tools).toEqual(emptyListing);
  // What is written now is sure.
  const known = face();
  open().save('key', { ...known, lists: { ...known.lists, tools: emptyListing } });
  expect(open().find('key')?.lists.tools).toEqual(emptyListing);
});

it('writes private files, and forgets what nobody renewed for 90 days', () => {
  const now = Date.now();
  open().save('old', face());
  open().save('new', face());
  expect(statSync(join(folder, 'new.json')).mode & 0o777).toBe(0o600);
  utimesSync(join(folder, 'old.json'), new Date(now), new Date(now - 91 * 24 * 3_600_000));
  open(now);
  expect(readdirSync(folder)).toEqual(['new.json']);
});
