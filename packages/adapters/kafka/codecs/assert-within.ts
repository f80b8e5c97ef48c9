/** @throws RangeError when `bytes` is over the limit: a small batch must not fill the memory */
export function assertWithin(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax) throw new RangeError(`decompresses to more than ${bytesMax} bytes`);
}
