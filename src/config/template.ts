// The one grammar of substitution: ${NAME}, ${NAME:-default} and {env:NAME}. One pass: what was put in is not read again.

export type Reference = { name: string; fallback?: string };
export type TemplatePart = string | Reference;

/** Filled in by us. `PORT` is chosen when the server starts, so it stays as `${PORT}` until then. */
export const ownNames = ['PROJECT_ROOT', 'SESSION_FOLDER', 'SESSION_ID', 'PORT'] as const;
/** A project's own copy is meant by these. */
export const folderNames = ['PROJECT_ROOT', 'SESSION_FOLDER'] as const;
/** Values of `cwd` that are no path. A folder of such a name is written "./session". */
const folderChoices = ['session', 'project'] as const;
export type FolderChoice = (typeof folderChoices)[number];
export function folderChoiceOf(cwd: string | undefined): FolderChoice | undefined {
  return folderChoices.find((choice) => choice === cwd);
}
export const portPlaceholder = '${PORT}';

const reference = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$?\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g;

export function templateParts(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let from = 0;
  for (const match of closedPart(template).matchAll(reference)) {
    if (match.index > from) parts.push(template.slice(from, match.index));
    const name = match[1] ?? match[3] ?? '';
    parts.push(match[2] === undefined ? { name } : { name, fallback: match[2] });
    from = match.index + match[0].length;
  }
  if (from < template.length) parts.push(template.slice(from));
  return parts;
}

/** All up to the last `}`: where none follows, a pattern would look for one from each place where a reference could begin. */
export function closedPart(text: string): string {
  return text.slice(0, text.lastIndexOf('}') + 1);
}

export function references(template: string): Reference[] {
  return templateParts(template).filter((part) => typeof part !== 'string');
}

export function refersTo(templates: readonly string[], name: string): boolean {
  return templates.some((template) => references(template).some((part) => part.name === name));
}

export function isOwnName(name: string): boolean {
  return ownNames.some((own) => own === name);
}
