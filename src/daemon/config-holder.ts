// The config in force. A reload is built whole, then swapped; one that does not parse changes nothing but the report.
import type { Log } from '../base/log.ts';
import { type ConfigDiff, diffConfigs } from '../config/diff.ts';
import { mentionedVariables } from '../config/expand.ts';
import { type Config, type InvalidServer, loadConfig, parseConfig } from '../config/load.ts';
import type { Problem } from '../link/control.ts';
import type { Environment, Locations } from '../link/locations.ts';

export type ConfigState = {
  config: Config;
  exists: boolean;
  /** Of the last read, if it failed: `config` is then an older one. */
  error: Problem | undefined;
  warnings: readonly Problem[];
  invalid: readonly InvalidServer[];
};

export class ConfigHolder {
  readonly #locations: Locations;
  readonly #env: Environment;
  readonly #log: Log;
  #state: ConfigState;

  constructor(locations: Locations, env: Environment, log: Log) {
    this.#locations = locations;
    this.#env = env;
    this.#log = log;
    const empty = parseConfig({ file: locations.configPath, text: undefined, env });
    if (!empty.ok) throw new Error('an empty config must load');
    this.#state = { config: empty.config, exists: false, error: undefined, warnings: [], invalid: [] };
    this.reload();
  }

  get state(): ConfigState {
    return this.#state;
  }

  get config(): Config {
    return this.#state.config;
  }

  /** Variables that the servers want from each session. */
  wants(): string[] {
    const wanted = this.config.servers.filter(({ enabled }) => enabled).map(mentionedVariables);
    return [...new Set(wanted.flatMap(({ names, patterns }) => [...names, ...patterns]))].sort();
  }

  /** What changed, or undefined if the file could not be used: that is an error only once its writer has stopped. */
  reload(isSettled = true): ConfigDiff | undefined {
    const result = loadConfig({ locations: this.#locations, env: this.#env });
    if (!result.ok) {
      if (!isSettled) return undefined;
      this.#log.warn('config.rejected', { problems: result.problems.map(({ message }) => message) });
      this.#state = { ...this.#state, error: result.problem };
      return undefined;
    }
    // An entry that became invalid keeps its last good form, so that a slip of the pen ends nobody's server.
    const kept = this.#state.config.servers.filter(({ name }) =>
      result.invalid.some((invalid) => invalid.name === name),
    );
    const config: Config = Object.freeze({
      ...result.config,
      servers: Object.freeze([...result.config.servers, ...kept]),
    });
    const diff = diffConfigs(this.#state.config, config);
    const { exists, warnings, invalid } = result;
    this.#state = { config, exists, error: undefined, warnings, invalid };
    for (const { problem } of invalid) this.#log.warn('config.server-invalid', { problem: problem.message });
    return diff;
  }
}
