// The name of a moved server in our config: plain, short enough to stand in tool names unchanged, free.
import { withoutStacks } from '../../base/mark-stacks.ts';
import { whyBadName } from '../../config/server-name.ts';

/** A longer name would be cut in tool names. */
const maxNameChars = 18;

/** Words that every second server has in its name. */
const fillers = /(?:^|-)(?:mcp|server|modelcontextprotocol)(?=-|$)/g;

export function plainName(name: string): string {
  const plain = slug(name);
  if (plain.length > 0 && plain.length <= maxNameChars) return plain;
  const short = plain.replace(fillers, '').replace(/^-+|-+$/g, '');
  const cut = (short || plain || 'server').slice(0, maxNameChars);
  // Rather whole words than the last letters.
  const atWord = cut.length === maxNameChars && cut.includes('-') ? cut.slice(0, cut.lastIndexOf('-')) : cut;
  return (atWord || cut).replace(/-+$/, '');
}

/** `wanted`, else with the project's name, else with a number. */
export function freeName(wanted: string, project: string | undefined, taken: ReadonlySet<string>): string {
  const base = plainName(wanted);
  const isFree = (name: string) => name !== '' && !taken.has(name) && whyBadName(name) === undefined;
  if (isFree(base)) return base;
  if (project !== undefined) {
    const withProject = plainName(`${base.slice(0, 9)}-${slug(project).slice(0, 8)}`);
    if (isFree(withProject)) return withProject;
  }
  for (let i = 2; ; i += 1) {
    const numbered = `${base.slice(0, maxNameChars - 1 - String(i).length)}-${i}`;
    if (isFree(numbered)) return numbered;
  }
}

function slug(text: string): string {
  return withoutStacks(text)
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}
