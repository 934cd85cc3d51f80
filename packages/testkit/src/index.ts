export { existingScript, type ExistingScriptOptions } from './apps-script/existing-script.js';
export { simulateAppsScript } from './apps-script/simulate.js';
export type {
  ScriptExecution,
  ScriptFetch,
  SimulatedAppsScript,
  SimulatedAppsScriptOptions,
} from './apps-script/types.js';
export { Arrivals } from './arrivals.js';
export { startFaultRelay } from './fault-relay/fault-relay.js';
export type {
  Fault,
  FaultChoice,
  FaultRelay,
  FaultRelayOptions,
  NodeAnswer,
  RelayedExchange,
  RelayedRequest,
} from './fault-relay/types.js';
export { findProgram, type FoundProgram } from './find-program.js';
export { createGate, type Gate } from './gate.js';
export { listenLocally, type LocalServer } from './listen.js';
export {
  fill,
  PATTERN_PERIOD,
  patternByte,
  patternBytes,
  patternPieces,
  patternSha256,
  patternStream,
  patternView,
} from './pattern/pattern.js';
export { PatternChecker, PatternError } from './pattern/pattern-checker.js';
export { readAll } from './read-all.js';
export { SimulatedAccounts } from './simulator/accounts.js';
export { SimulatorError } from './simulator/error.js';
export { resolveSettings as resolveSimulatorSettings } from './simulator/options.js';
export { startRelaySimulator } from './simulator/start.js';
export type {
  Ceiling,
  CountedFault,
  Delay,
  FaultOdds,
  LegOptions,
  LinkOptions,
  MeasuredCeiling,
  RefusalWindow,
  RelaySimulator,
  RelaySimulatorOptions,
  SimulatorSettings,
  SimulatorStats,
  SteadyDelay,
} from './simulator/types.js';
export { startTarget } from './targets/start-target.js';
export type {
  DnsTargetOptions,
  ReceivedDatagram,
  SinkResult,
  Target,
  TargetConnection,
  TargetOptions,
  TcpTarget,
  TcpTargetOptions,
  UdpEchoTargetOptions,
  UdpTarget,
  UdpTargetOptions,
  UnacceptingTarget,
  UnacceptingTargetOptions,
} from './targets/types.js';
