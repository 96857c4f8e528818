/** The child process that devices.ts starts for one device, because native code may crash or hang: prints a Probe. */
import type { Device, SelfCheck } from '../device.js';
import { selfCheck } from './self-check.js';

export interface Probe {
  readonly selfCheck: SelfCheck;
  /** Paths of the shared libraries loaded by then: drivers are among them. */
  readonly libraries: readonly string[];
}

const result = await selfCheck(process.argv[2] as Device);
// Else the report would look up the names of network peers (since Node 20.13; its types lack it).
Object.assign(process.report, { excludeNetwork: true });
const { sharedObjects: libraries } = process.report.getReport() as unknown as {
  sharedObjects: readonly string[];
};
process.stdout.write(JSON.stringify({ selfCheck: result, libraries } satisfies Probe));
