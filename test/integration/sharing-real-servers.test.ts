// Servers as people have them, from their packages, through the real wrapper and daemon.
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { root as repository } from '../../scripts/build-defines.ts';
import { DaemonRig } from '../support/daemon-rig.ts';
import { type McpClient, resultOf, textOf } from '../support/mcp-client.ts';

const program = (name: string) => join(repository, 'node_modules', '.bin', name);
let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

it('ten sessions write to one memory at the same time, and nothing is lost', async () => {
  const file = join(rig.home, 'memory.jsonl');
  // No `sharing`, no limit: the table of known servers says both.
  rig.writeConfig({ memory: { command: program('mcp-server-memory'), env: { MEMORY_FILE_PATH: file } } });
  const sessions = await Promise.all(
    Array.from({ length: 10 }, (_, i) => rig.open({ project: rig.project(`project-${i % 3}`) })),
  );
  const write = (session: McpClient, name: string) =>
    session.call('memory__create_entities', { entities: [{ name, entityType: 'note', observations: [name] }] });
  await Promise.all(
    sessions.flatMap((session, i) => Array.from({ length: 8 }, (_, n) => write(session, `s${i}-n${n}`))),
  );
  const expected = Array.from({ length: 10 }, (_, i) => Array.from({ length: 8 }, (_, n) => `s${i}-n${n}`)).flat();
  const names = readFileSync(file, 'utf8')
    .split('\n')
    .map((line): unknown => JSON.parse(line).name);
  expect(names.sort()).toEqual(expected.sort());

  const [server] = (await rig.status()).servers;
  expect(server).toMatchObject({ sharing: 'shared', sharingReason: expect.stringContaining('one writer') });
  expect(server?.instances.map(({ sessions: users }) => users.length)).toEqual([10]);
});

it('six sessions of two projects: none reads a file of the other project', async () => {
  const shop = rig.project('shop');
  const till = rig.project('till');
  writeFileSync(join(shop, 'own.txt'), 'of the shop');
  writeFileSync(join(till, 'own.txt'), 'of the till');
  symlinkSync(join(till, 'own.txt'), join(shop, 'link.txt'));
  rig.writeConfig({ files: { command: program('mcp-server-filesystem'), args: ['${PROJECT_ROOT}'] } });
  // Whatever roots a host names: the copy belongs to the project.
  const sessions = await Promise.all(
    [shop, shop, shop, till, till, till].map((project) => rig.open({ project, capabilities: { roots: {} } })),
  );
  const read = (session: McpClient, path: string) => session.call('files__read_text_file', { path });
  const answers = await Promise.all(
    sessions.map(async (session, i) => {
      const [own, other, name] = i < 3 ? [shop, till, 'shop'] : [till, shop, 'till'];
      const allowed = await session.call('files__list_allowed_directories');
      expect(textOf(allowed)).toContain(own);
      expect(textOf(allowed)).not.toContain(other);
      expect(textOf(await read(session, join(own, 'own.txt')))).toBe(`of the ${name}`);
      return [join(other, 'own.txt'), join(own, '..', i < 3 ? 'till' : 'shop', 'own.txt'), join(shop, 'link.txt')];
    }),
  );
  await Promise.all(
    sessions.map(async (session, i) => {
      for (const path of answers[i] ?? []) {
        const answer = await read(session, path);
        expect(resultOf(answer)['isError'], `${path} in session ${i}`).toBe(true);
        expect(textOf(answer)).not.toMatch(/^of the/);
      }
    }),
  );
  const [server] = (await rig.status()).servers;
  expect(server?.sharing).toBe('project');
  expect(server?.instances.map(({ projectRoot, sessions: users }) => [projectRoot, users.length]).sort()).toEqual([
    [shop, 3],
    [till, 3],
  ]);
});
