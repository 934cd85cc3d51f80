// What the command takes from a private package: the build bundles it into this module.
export { resolveSimulatorSettings, SimulatorError, startRelaySimulator } from '@millrace/testkit';
