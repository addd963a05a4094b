/** The part of D-Bus marshalling (D-Bus Specification 0.43, "Marshaling") that the Secret Service needs, little-endian. */

/** Appends values in wire form; the alignment of each is relative to the beginning. */
export interface DbusWriter {
  byte(value: number): void;
  uint32(value: number): void;
  boolean(value: boolean): void;
  /** `s` and `o`. */
  string(value: string): void;
  signature(value: string): void;
  /** `ay`. */
  bytes(value: Buffer): void;
  /** Begins a struct or a dictionary entry. */
  struct(): void;
  /** `a…`: whatever `writeElements` writes. `elementAlignment` is 8 for structs and dictionary entries. */
  array(elementAlignment: number, writeElements: () => void): void;
  pad(alignment: number): void;
  toBuffer(): Buffer;
}

export function createDbusWriter(): DbusWriter {
  const chunks: Buffer[] = [];
  let length = 0;
  const append = (chunk: Buffer): Buffer => {
    chunks.push(chunk);
    length += chunk.length;
    return chunk;
  };
  const pad = (alignment: number): void => void append(Buffer.alloc(-length & (alignment - 1)));
  const uint32 = (value: number): Buffer => {
    pad(4);
    const chunk = Buffer.alloc(4);
    chunk.writeUInt32LE(value);
    return append(chunk);
  };
  return {
    pad,
    byte: (value) => void append(Buffer.of(value)),
    uint32,
    boolean: (value) => void uint32(value ? 1 : 0),
    string(value) {
      uint32(Buffer.byteLength(value));
      append(Buffer.from(`${value}\0`));
    },
    signature: (value) => void append(Buffer.from(`${String.fromCharCode(value.length)}${value}\0`)),
    bytes(value) {
      uint32(value.length);
      append(value);
    },
    struct: () => pad(8),
    array(elementAlignment, writeElements) {
      const size = uint32(0);
      pad(elementAlignment);
      const start = length;
      writeElements();
      size.writeUInt32LE(length - start);
    },
    toBuffer: () => Buffer.concat(chunks),
  };
}

/** Takes values out in the order in which they were written. Every method throws a RangeError past the end. */
export interface DbusReader {
  byte(): number;
  uint32(): number;
  boolean(): boolean;
  string(): string;
  signature(): string;
  bytes(): Buffer;
  struct(): void;
  array<T>(elementAlignment: number, readElement: () => T): T[];
}

export function createDbusReader(buffer: Buffer): DbusReader {
  let at = 0;
  const pad = (alignment: number): void => {
    at += -at & (alignment - 1);
  };
  const take = (size: number): Buffer => {
    if (at + size > buffer.length) throw new RangeError("The D-Bus message ends too early");
    at += size;
    return buffer.subarray(at - size, at);
  };
  const uint32 = (): number => {
    pad(4);
    return take(4).readUInt32LE();
  };
  const text = (size: number): string => take(size + 1).toString("utf8", 0, size);
  return {
    byte: () => take(1).readUInt8(),
    uint32,
    boolean: () => uint32() !== 0,
    string: () => text(uint32()),
    signature: () => text(take(1).readUInt8()),
    bytes: () => take(uint32()),
    struct: () => pad(8),
    array(elementAlignment, readElement) {
      const size = uint32();
      pad(elementAlignment);
      const end = at + size;
      const elements = [];
      while (at < end) elements.push(readElement());
      return elements;
    },
  };
}
