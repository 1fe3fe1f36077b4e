import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adaptHint, resolveInvocation } from '../../../src/cli/invocation.ts';

const verbs = ['stop', 'restart', 'migrate'];

describe('adaptHint', () => {
  it('names the slash command in a session and the program in a terminal', () => {
    const text = 'Close the other sessions, or run `mcp-proxy stop`.';
    expect(adaptHint(text, '/mcp-proxy', verbs)).toBe('Close the other sessions, or run `/mcp-proxy stop`.');
    expect(adaptHint('Run: ~/.aitkit/bin/mcp-proxy migrate plan', '/x/mcp-proxy', verbs)).toBe(
      'Run: /x/mcp-proxy migrate plan',
    );
  });

  it('leaves other uses of the name alone', () => {
    for (const text of ['the mcp-proxy daemon', 'run-mcp-proxy stop', '/lib/mcp-proxy stop', 'mcp-proxy stopped']) {
      expect(adaptHint(text, '/mcp-proxy', verbs)).toBe(text);
    }
  });
});

describe('resolveInvocation', () => {
  let home = '';
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'mcp-proxy-cli-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const resolve = (ownPath: string, binDir = join(home, '.aitkit', 'bin')) =>
    resolveInvocation({ isForSkill: false, binDir, ownPath, home }).program;

  it('names the launcher when one is installed, because the plugin folder changes with its version', () => {
    const binDir = join(home, '.aitkit', 'bin');
    expect(resolve('/plugins/1.0.0/bin/mcp-proxy')).toBe('/plugins/1.0.0/bin/mcp-proxy');
    mkdirSync(binDir, { recursive: true });
    writeFileSync(join(binDir, 'mcp-proxy'), '#!/bin/sh\n');
    chmodSync(join(binDir, 'mcp-proxy'), 0o755);
    expect(resolve('/plugins/1.0.0/bin/mcp-proxy')).toBe('~/.aitkit/bin/mcp-proxy');
  });

  it('quotes a path that a shell would split', () => {
    expect(resolve("/a b/it's/mcp-proxy")).toBe(`'/a b/it'\\''s/mcp-proxy'`);
  });
});
