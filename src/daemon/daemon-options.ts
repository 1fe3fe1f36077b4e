import type { Log } from '../base/log.ts';
import type { Redactor } from '../base/redact.ts';
import type { Environment, Locations } from '../link/locations.ts';
import type { RouteContext } from './control/http-server.ts';

export type DaemonOptions = {
  locations: Locations;
  env: Environment;
  /** A private daemon that ends with its only session. */
  isAlone: boolean;
  log: Log;
  redactor: Redactor;
  /** Streams events to a watching program. */
  subscribe: (context: RouteContext) => void;
  /** Called once, when everything is stopped. */
  onStopped: (reason: string) => void;
};
