/** Options that cannot be. */
export class SimulatorError extends Error {
  override readonly name = 'SimulatorError';
  readonly code: 'CONFIG_INVALID' | 'CONFIG_UNKNOWN_KEY';
  /** The option, as a path such as `clientLeg.up.rateMbps`. */
  readonly option: string;

  constructor(code: SimulatorError['code'], option: string, problem: string) {
    super(`${option === '' ? 'the options' : option} ${problem}`);
    this.code = code;
    this.option = option;
  }
}
