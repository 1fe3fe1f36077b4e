import type { FleetServer } from '../server-row.ts';
import { accountServers } from './accounts.ts';
import { browserServers } from './browsers.ts';
import { projectServers } from './projects.ts';
import { referenceServers } from './reference.ts';

export const fleetServers: readonly FleetServer[] = [
  ...referenceServers,
  ...browserServers,
  ...accountServers,
  ...projectServers,
];
