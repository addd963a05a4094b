/** D-Bus messages (D-Bus Specification 0.43, "Message Format"): method calls out; returns, errors and signals in. */
import { createDbusReader, createDbusWriter, type DbusReader, type DbusWriter } from "./dbus-wire.js";

export interface DbusCall {
  readonly destination: string;
  readonly path: string;
  readonly interfaceName: string;
  readonly member: string;
  /** Types of the arguments, and what writes them. Default: none. */
  readonly signature?: string;
  readonly writeArguments?: (writer: DbusWriter) => void;
}

export interface DbusMessage {
  readonly type: number;
  readonly replySerial: number | undefined;
  readonly errorName: string | undefined;
  readonly body: DbusReader;
}

export const METHOD_RETURN = 2;
export const ERROR = 3;

const LITTLE_ENDIAN = 0x6c;
const METHOD_CALL = 1;
const PROTOCOL_VERSION = 1;

const FIELD = {
  path: 1,
  interfaceName: 2,
  member: 3,
  errorName: 4,
  replySerial: 5,
  destination: 6,
  signature: 8,
} as const;

/** The fixed part and the size of the header fields. */
const FIXED_BYTES = 16;

/** A login is some kilobytes; whoever sends more than this is not a keyring. The bus itself allows 128 MiB. */
const MESSAGE_MAX_BYTES = 1 << 20;

export function encodeCall(call: DbusCall, serial: number): Buffer {
  const { signature = "", writeArguments } = call;
  const body = createDbusWriter();
  writeArguments?.(body);
  const bodyBytes = body.toBuffer();
  const header = createDbusWriter();
  for (const byte of [LITTLE_ENDIAN, METHOD_CALL, 0, PROTOCOL_VERSION]) header.byte(byte);
  header.uint32(bodyBytes.length);
  header.uint32(serial);
  header.array(8, () => {
    writeField(header, FIELD.path, { type: "o", value: call.path });
    writeField(header, FIELD.interfaceName, { type: "s", value: call.interfaceName });
    writeField(header, FIELD.member, { type: "s", value: call.member });
    writeField(header, FIELD.destination, { type: "s", value: call.destination });
    if (signature) writeField(header, FIELD.signature, { type: "g", value: signature });
  });
  header.pad(8);
  return Buffer.concat([header.toBuffer(), bodyBytes]);
}

function writeField(
  header: DbusWriter,
  code: number,
  { type, value }: { type: "o" | "s" | "g"; value: string },
): void {
  header.struct();
  header.byte(code);
  header.signature(type);
  if (type === "g") header.signature(value);
  else header.string(value);
}

/**
 * The size of the message that begins here, or `undefined` when too little has arrived to tell.
 * @throws RangeError for what is not a little-endian message of a sensible size; the bus answers in the order of the caller
 */
export function messageSize(buffer: Buffer): number | undefined {
  if (buffer.length < FIXED_BYTES) return undefined;
  const fieldsBytes = buffer.readUInt32LE(12);
  const size = FIXED_BYTES + fieldsBytes + (-fieldsBytes & 7) + buffer.readUInt32LE(4);
  if (buffer[0] !== LITTLE_ENDIAN || size > MESSAGE_MAX_BYTES)
    throw new RangeError("The D-Bus message cannot be read");
  return size;
}

/** Reads one whole message. @throws RangeError when it is not one */
export function decodeMessage(buffer: Buffer): DbusMessage {
  const header = createDbusReader(buffer);
  const [, type = 0] = [header.byte(), header.byte(), header.byte(), header.byte()];
  const bodyBytes = header.uint32();
  header.uint32();
  const fields = new Map(header.array(8, () => readField(header)));
  const replySerial = fields.get(FIELD.replySerial);
  const errorName = fields.get(FIELD.errorName);
  return {
    type,
    replySerial: typeof replySerial === "number" ? replySerial : undefined,
    errorName: typeof errorName === "string" ? errorName : undefined,
    body: createDbusReader(buffer.subarray(buffer.length - bodyBytes)),
  };
}

function readField(header: DbusReader): [code: number, value: string | number] {
  header.struct();
  const code = header.byte();
  const type = header.signature();
  if (type === "u") return [code, header.uint32()];
  return [code, type === "g" ? header.signature() : header.string()];
}
