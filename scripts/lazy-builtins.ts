// Node's built-in modules are evaluated where they are first used, not when a bundle starts: crypto and child_process cost
// the wrapper and the hook 2 ms each, and most runs need neither.

/** Turns `var import_x = require("node:y")` at the top level of an esbuild CommonJS bundle into a require at each use. */
export function makeBuiltinsLazy(bundle: string): string {
  const builtins = new Map<string, string>();
  const assignment = /^(?:var |\s*)(import_\w+) = require\("(node:[\w/]+)"\);\n/gm;
  const text = bundle.replace(assignment, (_line, name: string, module: string) => {
    builtins.set(name, module);
    return '';
  });
  return text.replace(/\b(new )?(import_\w+)\./g, (use, isNew: string | undefined, name: string) => {
    const module = builtins.get(name);
    if (module === undefined) return use;
    // `new require(x).Y()` would be `new (require)(x)` and its member.
    return isNew ? `new (require("${module}")).` : `require("${module}").`;
  });
}
