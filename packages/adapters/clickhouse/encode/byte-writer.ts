/** Longest text that is written character by character; above, one call into the runtime costs less. */
const SHORT_CHARS = 48;
const TWO_TO_32 = 4_294_967_296;

/** Bytes in the engine's order (little endian), in one buffer that grows. */
export class ByteWriter {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes written so far: a view, so the writer must not be used again. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  uint8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  uint16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** A whole number that a double holds exactly; negative ones as two's complement. */
  int64(value: number): void {
    this.#reserve(8);
    const high = Math.floor(value / TWO_TO_32);
    this.#view.setUint32(this.#length, value - high * TWO_TO_32, true);
    this.#view.setInt32(this.#length + 4, high, true);
    this.#length += 8;
  }

  float64s(values: readonly number[]): void {
    this.#reserve(8 * values.length);
    for (const value of values) {
      this.#view.setFloat64(this.#length, value, true);
      this.#length += 8;
    }
  }

  /** Whole numbers of 1, 2 or 4 bytes each. */
  uints(values: Uint32Array, width: 1 | 2 | 4): void {
    this.#reserve(width * values.length);
    for (const value of values) {
      if (width === 1) this.#bytes[this.#length] = value;
      else if (width === 2) this.#view.setUint16(this.#length, value, true);
      else this.#view.setUint32(this.#length, value, true);
      this.#length += width;
    }
  }

  /** LEB128, as the engine writes lengths. */
  varUint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Length in bytes, then UTF-8. Half a surrogate pair has none and becomes U+FFFD. */
  string(text: string): void {
    if (text.length <= SHORT_CHARS && this.#shortAscii(text)) return;
    const bytes = Buffer.byteLength(text);
    this.varUint(bytes);
    this.#reserve(bytes);
    this.#length += this.#bytes.write(text, this.#length, bytes, "utf8");
  }

  #shortAscii(text: string): boolean {
    this.#reserve(SHORT_CHARS + 1);
    const bytes = this.#bytes;
    const start = this.#length;
    let at = start + 1;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[at++] = code;
    }
    bytes[start] = text.length;
    this.#length = at;
    return true;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
