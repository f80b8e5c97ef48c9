/** A file that can't be replayed. The message names the file, the line and the field, and what was expected there. */
export class BadFileError extends Error {
  /** Exit code that the command line promises for files that are wrong. */
  readonly exitCode = 3;
  readonly file: string;
  /** From 1; 0 when the file as a whole is meant. */
  readonly line: number;
  /** Dotted path of the field; "" when the line as a whole is meant. */
  readonly field: string;

  constructor(file: string, line: number, field: string, why: string) {
    super([file, ...(line === 0 ? [] : [`line ${line}`]), ...(field === "" ? [] : [field]), why].join(": "));
    this.name = new.target.name;
    this.file = file;
    this.line = line;
    this.field = field;
  }
}

/** A file that isn't there. */
export class MissingFileError extends Error {
  /** Exit code that the command line promises for what was not found. */
  readonly exitCode = 4;

  constructor(file: string, options?: ErrorOptions) {
    super(`${file}: there is no such file that can be read`, options);
    this.name = new.target.name;
  }
}
