// Ready-made answers follow what sessions were served. Breaks when one is written of a session that is not like the others
// of its project, or when servers of one project are promised to all.
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Relay } from '../../../src/daemon/relay.ts';
import { commonFacePath, facePath, readFace } from '../../../src/link/faces.ts';
import type { SessionIdentity } from '../../../src/sessions/session.ts';
import { openSession, RelayRig } from '../../support/relay-rig.ts';

let rig: RelayRig;
beforeEach(() => {
  rig = new RelayRig();
  rig.servers.set('one', { tools: ['a'] });
  rig.config({ mcpServers: { one: { command: 'x', sharing: 'shared' } } });
});
afterEach(() => rig.close());

const project = '/home/someone/project';
async function serve(relay: Relay, more: Partial<SessionIdentity> = {}) {
  const { session } = openSession({ projectDir: project, projectRoot: project, folder: project, ...more });
  relay.open(session);
  const [entry] = relay.holder.config.servers;
  if (entry) await relay.router.learn(session, entry);
  relay.faces.onServed(session);
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
  const relay = rig.relay();
  await serve(relay);
  relay.faces.flush();
  const { facesDir } = rig.locations;
  expect(tools(facePath(facesDir, { projectRoot: project }))).toMatchObject({ tools: [{ name: 'one__a' }] });
  expect(tools(commonFacePath(facesDir, {}))).toMatchObject({ tools: [{ name: 'one__a' }] });
});

it('writes nothing for all projects of servers that only some may see', async () => {
  rig.config({ mcpServers: { one: { command: 'x', sharing: 'shared', projects: [project] } } });
  const relay = rig.relay();
  await serve(relay);
  relay.faces.flush();
  expect(faces()).toHaveLength(1);
  expect(readFace(facePath(rig.locations.facesDir, { projectRoot: project }))).toBeDefined();
});

it('keeps a face of each mode', async () => {
  const relay = rig.relay();
  await serve(relay, { mode: 'all' });
  relay.faces.flush();
  const { facesDir } = rig.locations;
  expect(readFace(facePath(facesDir, { projectRoot: project, mode: 'all' }))).toBeDefined();
  expect(readFace(facePath(facesDir, { projectRoot: project }))).toBeUndefined();
});

it('writes nothing for what a session with one server was served, whoever else is in its project', async () => {
  const relay = rig.relay();
  relay.open(openSession({ projectDir: project, projectRoot: project, folder: project }).session);
  await serve(relay, { server: 'one' });
  relay.faces.flush();
  expect(faces()).toEqual([]);
});

it('writes nothing of a session that has ended, although it is not forgotten yet', async () => {
  const relay = rig.relay();
  const { session } = openSession({ projectDir: project, projectRoot: project, folder: project });
  relay.open(session);
  session.end();
  relay.faces.onServed(session);
  relay.faces.flush();
  expect(faces()).toEqual([]);
});

it('writes at the end what still waited', async () => {
  const relay = rig.relay();
  await serve(relay);
  expect(faces()).toEqual([]);
  relay.faces.flush();
  expect(faces()).toHaveLength(2);
});
