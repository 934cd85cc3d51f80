/** What a command may touch of its process. Tests hand in their own. */
export interface Io {
  /** Where answers and events go. */
  readonly stdout: TextOutput;
  /** Where errors go. */
  readonly stderr: TextOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads all of standard input, as text. */
  readStdin(): Promise<string>;
  /** Calls `listener` at each signal until the returned function is called. */
  onSignal(listener: (signal: StopSignal) => void): () => void;
}

export interface TextOutput {
  write(text: string): void;
  /** Width of the terminal in columns; absent where there is none. */
  readonly columns?: number;
}

/** The signals that end a command. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

/** The real process. A reader that goes away (`millrace … | head -1`) ends the output, not the command. */
export function processIo(): Io {
  return {
    stdout: textOutput(process.stdout),
    stderr: textOutput(process.stderr),
    env: process.env,
    async readStdin() {
      process.stdin.setEncoding('utf8');
      let text = '';
      for await (const chunk of process.stdin) text += String(chunk);
      return text;
    },
    onSignal(listener) {
      const onInt = (): void => listener('SIGINT');
      const onTerm = (): void => listener('SIGTERM');
      process.on('SIGINT', onInt);
      process.on('SIGTERM', onTerm);
      return () => {
        process.off('SIGINT', onInt);
        process.off('SIGTERM', onTerm);
      };
    },
  };
}

function textOutput(stream: NodeJS.WriteStream): TextOutput {
  let gone = false;
  stream.on('error', () => (gone = true));
  return {
    write(text) {
      if (!gone) stream.write(text);
    },
    ...(stream.isTTY ? { columns: stream.columns } : {}),
  };
}
