// Ready-made answers follow what sessions were served. Breaks when one is written of a session that is not like the others
// of its project, or when servers of one project are promised to all.
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Switchboard } from '../../../src/daemon/switchboard.ts';
import { commonFacePath, facePath, readFace } from '../../../src/link/faces.ts';
import type { SessionIdentity } from '../../../src/sessions/session.ts';
import { openSession, SwitchboardRig } from '../../support/switchboard-rig.ts';

let rig: SwitchboardRig;
beforeEach(() => {
  rig = new SwitchboardRig();
  rig.servers.set('one', { tools: ['a'] });
  rig.config({ mcpServers: { one: { command: 'x', sharing: 'shared' } } });
});
afterEach(() => rig.close());

const project = '/home/someone/project';
async function serve(switchboard: Switchboard, more: Partial<SessionIdentity> = {}) {
  const { session } = openSession({ projectDir: project, projectRoot: project, folder: project, ...more });
  switchboard.open(session);
  const [entry] = switchboard.holder.config.servers;
  if (entry) await switchboard.router.learn(session, entry);
  switchboard.faces.onServed(session);
}
const faces = (): string[] => {
  try {
    return readdirSync(rig.locations.facesDir);
  } catch {
    return [];
  }
};
const tools = (path: string) => readFace(path)?.lists.tools?.result;

it('writes what the session sees, for its project and for projects that were never here', async () => {
  const switchboard = rig.switchboard();
  await serve(switchboard);
  switchboard.faces.flush();
  const { facesDir } = rig.locations;
  expect(tools(facePath(facesDir, { projectRoot: project }))).toMatchObject({ tools: [{ name: 'one__a' }] });
  expect(tools(commonFacePath(facesDir, {}))).toMatchObject({ tools: [{ name: 'one__a' }] });
});

it('writes nothing for all projects of servers that only some may see', async () => {
  rig.config({ mcpServers: { one: { command: 'x', sharing: 'shared', projects: [project] } } });
  const switchboard = rig.switchboard();
  await serve(switchboard);
  switchboard.faces.flush();
  expect(faces()).toHaveLength(1);
  expect(readFace(facePath(rig.locations.facesDir, { projectRoot: project }))).toBeDefined();
});

it('keeps a face of each mode', async () => {
  const switchboard = rig.switchboard();
  await serve(switchboard, { mode: 'all' });
  switchboard.faces.flush();
  const { facesDir } = rig.locations;
  expect(readFace(facePath(facesDir, { projectRoot: project, mode: 'all' }))).toBeDefined();
  expect(readFace(facePath(facesDir, { projectRoot: project }))).toBeUndefined();
});

it('writes nothing for what a session with one server was served, whoever else is in its project', async () => {
  const switchboard = rig.switchboard();
  switchboard.open(openSession({ projectDir: project, projectRoot: project, folder: project }).session);
  await serve(switchboard, { server: 'one' });
  switchboard.faces.flush();
  expect(faces()).toEqual([]);
});

it('writes nothing of a session that has ended, although it is not forgotten yet', async () => {
  const switchboard = rig.switchboard();
  const { session } = openSession({ projectDir: project, projectRoot: project, folder: project });
  switchboard.open(session);
  session.end();
  switchboard.faces.onServed(session);
  switchboard.faces.flush();
  expect(faces()).toEqual([]);
});

it('writes at the end what still waited', async () => {
  const switchboard = rig.switchboard();
  await serve(switchboard);
  expect(faces()).toEqual([]);
  switchboard.faces.flush();
  expect(faces()).toHaveLength(2);
});
