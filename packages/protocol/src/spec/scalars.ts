/**
 * Scalar types of the specification.
 *
 * The spec is read by a JSON Schema generator, which knows neither `bigint` nor `Uint8Array`. These aliases name what a
 * value is on the wire; the tags say how each codec carries it.
 */

/**
 * A whole number that JavaScript holds exactly. On the wire it may be 64 bits wide; larger values are refused, since
 * everything counted this way starts at 0.
 * @TJS-type integer
 * @minimum 0
 * @maximum 9007199254740991
 */
export type Count = number;

/**
 * A TCP or UDP port.
 * @TJS-type integer
 * @minimum 1
 * @maximum 65535
 */
export type Port = number;

/**
 * Bytes as standard base64 with padding (RFC 4648, section 4).
 * @contentEncoding base64
 */
export type Base64 = string;
