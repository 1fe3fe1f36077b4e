// Changes one server in the config file and nothing else in it: comments, order, unknown keys and file mode stay. Used by
// the CLI and the migration. Throws AppError; on any failure the file is as before.
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve, sep } from 'node:path';
import type { Node } from 'jsonc-parser';
import { createFileExclusive, writeFileAtomic } from '../base/atomic-file.ts';
import { AppError, systemCode } from '../base/errors.ts';
import { readForeignFile } from '../base/foreign-file.ts';
import { makeFolder } from '../base/make-folder.ts';
import type { Environment } from '../link/locations.ts';
import { parseJsonc } from './jsonc.ts';
import {
  applyTextEdits,
  findProperty,
  insertProperty,
  removeProperty,
  replaceValue,
  type TextEdit,
} from './jsonc-edit.ts';
import { maxConfigBytes } from './load.ts';
import { formatPath, nearest, quote } from './problems.ts';
import { checkServer } from './server-entry.ts';
import { serverSlug } from './server-name.ts';

export type EditTarget = { configPath: string; env: Environment };
/** `path` is the file written, which is the target of a link. */
export type EditResult = { path: string; isCreated: boolean; isChanged: boolean };

type Change = (text: string, root: Node, servers: Node | undefined) => TextEdit[];

/** `definition` stands in the file as given. Throws SERVER_EXISTS unless `replace`. */
export function addServer(
  target: EditTarget,
  server: { name: string; definition: unknown; replace?: boolean },
): EditResult {
  const { name, definition } = server;
  const [error] = checkServer(name, definition, homeOf(target)).errors;
  if (error) {
    throw new AppError({
      code: 'CONFIG_INVALID',
      message: `${formatPath(error.path)} ${error.what}.`,
      ...(error.hint !== undefined && { hint: error.hint }),
    });
  }
  return editFile(target, (text, root, servers) => {
    if (!servers) return insertProperty(text, root, 'mcpServers', { [name]: definition });
    ensureNoTwin(servers, name);
    const existing = findProperty(servers, name);
    if (!existing) return insertProperty(text, servers, name, definition);
    if (server.replace) return replaceValue(text, existing, definition);
    throw new AppError({
      code: 'SERVER_EXISTS',
      message: `There is already a server named ${quote(name)}.`,
      hint: 'Remove it first, or choose another name.',
    });
  });
}

export function removeServer(target: EditTarget, name: string): EditResult {
  return editFile(target, (text, _root, servers) => {
    const property = getServer(servers, name);
    return servers ? removeProperty(text, servers, property) : [];
  });
}

/** Idempotent: a server that is already so leaves the file untouched. */
export function setServerEnabled(target: EditTarget, name: string, enabled: boolean): EditResult {
  return editFile(target, (text, _root, servers) => {
    const definition = getServer(servers, name).children?.[1];
    if (definition?.type !== 'object') {
      throw new AppError({ code: 'CONFIG_INVALID', message: `The entry of ${quote(name)} is not an object in { }.` });
    }
    const [on, off] = [findProperty(definition, 'enabled'), findProperty(definition, 'disabled')];
    const edits = [
      ...(on && on.children?.[1]?.value !== enabled ? replaceValue(text, on, enabled) : []),
      ...(off && off.children?.[1]?.value !== !enabled ? replaceValue(text, off, !enabled) : []),
    ];
    return on || off || enabled ? edits : insertProperty(text, definition, 'enabled', false);
  });
}

function editFile(target: EditTarget, change: Change): EditResult {
  const path = writablePath(target);
  const before = readIfPresent(path);
  const text = before ?? '{}\n';
  const mark = text.startsWith('\ufeff') ? '\ufeff' : '';
  const plain = text.slice(mark.length);
  const edits = change(plain, ...parseForEdit(plain, path));
  const after = mark + applyTextEdits(plain, edits);
  if (before !== undefined && after === before) return { path, isCreated: false, isChanged: false };
  parseForEdit(after, path);
  if (before === undefined) {
    makeFolder(dirname(path));
    if (!createFileExclusive(path, after)) throw conflict(path);
    return { path, isCreated: true, isChanged: true };
  }
  writeFileAtomic(path, after, {
    mode: statSync(path).mode & 0o777,
    durable: true,
    beforeRename: () => {
      if (readIfPresent(path) !== before) throw conflict(path);
    },
  });
  return { path, isCreated: false, isChanged: true };
}

function parseForEdit(text: string, path: string): [Node, Node | undefined] {
  const parsed = parseJsonc(text);
  const [problem] = parsed.problems;
  if (problem || !parsed.root) {
    const at = problem ? `${path}:${problem.line}:${problem.column}: ${problem.what}` : path;
    throw new AppError({ code: 'CONFIG_INVALID', message: `${at}.`, hint: 'Correct the file, then run this again.' });
  }
  const servers = parsed.root.type === 'object' ? findProperty(parsed.root, 'mcpServers')?.children?.[1] : undefined;
  if (parsed.root.type !== 'object' || (servers && servers.type !== 'object')) {
    const what = servers ? 'mcpServers is not an object in { }' : 'the file does not hold an object in { }';
    throw new AppError({ code: 'CONFIG_INVALID', message: `${path}: ${what}.`, hint: 'Correct the file first.' });
  }
  return [parsed.root, servers];
}

function getServer(servers: Node | undefined, name: string): Node {
  const property = servers && findProperty(servers, name);
  if (property) return property;
  const near = nearest(name, servers ? serverNames(servers) : []);
  throw new AppError({
    code: 'SERVER_UNKNOWN',
    message: `There is no server named ${quote(name)}.`,
    hint: near ? `Did you mean ${quote(near)}?` : 'See `mcp-proxy list`.',
  });
}

function ensureNoTwin(servers: Node, name: string): void {
  const twin = serverNames(servers).find((other) => other !== name && serverSlug(other) === serverSlug(name));
  if (twin === undefined) return;
  throw new AppError({
    code: 'SERVER_EXISTS',
    message: `${quote(name)} and ${quote(twin)} have the same short name ${quote(serverSlug(name))}.`,
    hint: 'Choose another name.',
  });
}

function serverNames(servers: Node): string[] {
  return (servers.children ?? []).map((property) => String(property.children?.[0]?.value));
}

/**
 * The file itself, or what a link leads to: replacing the link would cut a dotfile repository off. A target outside the
 * home may be anybody's, so it is not written.
 */
function writablePath(target: EditTarget): string {
  const path = resolve(target.configPath);
  if (!isLink(path)) return path;
  const home = realpathSync(homeOf(target));
  const real = realIfPresent(path);
  if (real?.startsWith(home.endsWith(sep) ? home : home + sep)) return real;
  throw new AppError({
    code: 'CONFIG_UNSAFE',
    message: real
      ? `${path} is a link to ${real}, which is outside your home.`
      : `${path} is a link to a file that does not exist.`,
    hint: 'Edit that file by hand, or replace the link by a plain file.',
  });
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw unreadable(path, error);
  }
}

function realIfPresent(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
}

function readIfPresent(path: string): string | undefined {
  const reading = readForeignFile(path, { maxBytes: maxConfigBytes });
  if (reading.kind === 'absent') return undefined;
  if (reading.kind === 'refused') throw unwritable(path, reading.reason);
  const text = reading.bytes.toString('utf8');
  if (!Buffer.from(text).equals(reading.bytes)) throw unwritable(path, 'holds bytes that are not UTF-8');
  return text;
}

/** What was not read whole would be lost. */
function unwritable(path: string, reason: string): AppError {
  return new AppError({
    code: 'CONFIG_UNREADABLE',
    message: `${path} ${reason}, so it is not changed.`,
    hint: 'Put a plain file of UTF-8 text in its place.',
  });
}

function unreadable(path: string, cause: unknown): AppError {
  return new AppError({ code: 'CONFIG_UNREADABLE', message: `${path} cannot be read.`, cause });
}

function conflict(path: string): AppError {
  return new AppError({
    code: 'CONFIG_CONFLICT',
    message: `${path} was changed by somebody else at the same moment; nothing was written.`,
    hint: 'Run this again.',
  });
}

function homeOf(target: EditTarget): string {
  return target.env['HOME'] || homedir();
}
