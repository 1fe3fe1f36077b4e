// A mode stays what it was for the life of a session, over its reconnects, and is forgotten after its end.
import { expect, it } from 'vitest';
import { Forwarder } from '../../../src/calls/forward.ts';
import { HeldNames } from '../../../src/calls/held-names.ts';
import { InputRounds } from '../../../src/calls/input-rounds.ts';
import { Views } from '../../../src/calls/views.ts';
import { Catalog } from '../../../src/catalog/catalog.ts';
import { createListing } from '../../../src/catalog/server-face.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { Modes } from '../../../src/gateway/modes.ts';
import { Roster } from '../../../src/sessions/roster.ts';
import { Session } from '../../../src/sessions/session.ts';
import { resolveCopy } from '../../../src/upstream/resolve.ts';

const nobody = (): never => {
  throw new Error('nobody asks');
};
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function world() {
  let now = 0;
  const text = JSON.stringify({ mcpServers: { many: { command: 'many', sharing: 'shared' } } });
  const loaded = parseConfig({ file: 'config.json', text, env: {} });
  if (!loaded.ok) throw new Error(loaded.problem.message);
  const { config } = loaded;
  const catalog = new Catalog({ find: () => undefined, save: () => {}, savedAt: () => undefined });
  const roster = new Roster();
  const views = new Views({
    catalog,
    config: () => config,
    resolve: (entry, asker) =>
      resolveCopy(entry, asker, { makeKey: () => 'key', workDir: '/work', knownServers: [], demoted: () => undefined }),
  });
  const forwarder = new Forwarder({
    ...{ acquire: nobody, findReady: nobody, maxQueued: () => 1, maxConcurrent: nobody, onAnswered: nobody },
    ...{ rounds: new InputRounds({ findSession: nobody }), headersFor: nobody, relearn: nobody, isReshaped: nobody },
    now: () => now,
  });
  const modes = new Modes({
    ...{
      config: () => config,
      views,
      forwarder,
      heldNames: new HeldNames(),
      roster,
      supervisor: nobody,
      spillFolder: '/nowhere',
      poolFolder: '/nowhere',
      jobFolder: '/nowhere',
      log: silent,
    },
    ...{ learn: nobody, announceTo: nobody, now: () => now },
  });
  return {
    modes,
    /** The server has so many tools now. */
    offer: (count: number) => {
      const items = Array.from({ length: count }, (_, i) => {
        const raw = Buffer.from(`{"name":"tool_${i}"}`);
        return { raw, name: `tool_${i}`, nameSpan: { start: 8, end: raw.length - 1 } };
      });
      const introduction = { raw: '{}', capabilities: { tools: {} }, protocolVersion: '2025-06-18', instructions: '' };
      catalog.learn({ instance: 'key', snapshot: 'key' }, introduction, { tools: createListing(items) });
      views.invalidate();
    },
    open: (id: string): Session => {
      const self = { pid: 1, startTime: '1' };
      const session = new Session({
        identity: { id, lifeId: 'scope', host: self, wrapper: self, projectDir: '', folder: '', projectRoot: '' },
        sink: { send: () => {}, bufferedBytes: 0, close: () => {} },
        ...{ baseline: {}, served: {}, idPrefix: 't', wants: [], now: () => now, maxBufferedBytes: 1 },
      });
      session.client = { name: 'editor', capabilities: {} };
      roster.add(session);
      return session;
    },
    close: (session: Session) => {
      roster.remove(session);
      modes.sessionEnded(session);
    },
    pass: (ms: number) => {
      now += ms;
      modes.sweep();
    },
  };
}

it('does not change when servers lose or gain tools', () => {
  const { modes, offer, open } = world();
  offer(100);
  const session = open('one');
  expect(modes.modeOf(session)).toBe('gateway');
  offer(3);
  expect(modes.modeOf(session)).toBe('gateway');
});

it('is kept for a wrapper that comes back, however long ago it left, and forgotten for one that does not', () => {
  const { modes, offer, open, close, pass } = world();
  offer(100);
  const first = open('one');
  expect(modes.modeOf(first)).toBe('gateway');
  close(first);
  const second = open('two');
  offer(3);
  pass(60_000);
  expect(modes.modeOf(second)).toBe('gateway');
  close(second);
  pass(5_000);
  const third = open('three');
  expect(modes.modeOf(third)).toBe('gateway');
  close(third);
  pass(60_000);
  expect(modes.modeOf(open('four'))).toBe('all');
});
