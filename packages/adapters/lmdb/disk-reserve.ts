import { statfs } from "node:fs/promises";
import { LogError } from "@plumbline/ports";

/** Most bytes that are written between two looks at the disk; less where the reserve is small. */
const LOOK_EVERY_BYTES_MAX = 8 * 1_048_576;
const LOOK_EVERY_SHARE_OF_RESERVE = 1 / 8;
/** Disk used per byte of records, at most: half-filled pages (2 measured with 1 KB records) and copied branch pages. */
const AMPLIFICATION = 3;
/** Longest time between two looks while writing, ms: others fill disks too. */
const LOOK_EVERY_MS = 1_000;
const DEFAULT_SHARE = 0.05;
const DEFAULT_BYTES_MAX = 1_073_741_824;

export interface DiskRoom {
  readonly free_bytes: number;
  /** Free space below which appends are refused. */
  readonly reserve_bytes: number;
}

/** @param reserveBytes default 5 % of the disk, at most 1 GiB */
export async function readDiskRoom(path: string, reserveBytes?: number): Promise<DiskRoom> {
  const disk = await statfs(path);
  return {
    free_bytes: disk.bavail * disk.bsize,
    reserve_bytes: reserveBytes ?? Math.min(disk.blocks * disk.bsize * DEFAULT_SHARE, DEFAULT_BYTES_MAX),
  };
}

/**
 * Keeps the disk from becoming full. LMDB needs free pages even to remove records, so a log that has filled its
 * disk can't make room again by itself; and a full disk takes the store down with it.
 *
 * @param reserveBytes free space below which appends are refused. Default 5 % of the disk, at most 1 GiB
 * @returns a check to call before each write
 * @throws (the check) LogError `log_full`; the log accepts again as soon as there is room
 */
export function createDiskReserve(path: string, reserveBytes?: number): (bytes: number) => Promise<void> {
  let bytesSince = Number.POSITIVE_INFINITY;
  let lookedAt = 0;
  let lookEveryBytes = 0;
  return async (bytes) => {
    bytesSince += bytes;
    if (bytesSince < lookEveryBytes && performance.now() - lookedAt < LOOK_EVERY_MS) return;
    const { free_bytes: free, reserve_bytes: reserve } = await readDiskRoom(path, reserveBytes);
    lookEveryBytes = Math.min(LOOK_EVERY_BYTES_MAX, reserve * LOOK_EVERY_SHARE_OF_RESERVE);
    if (free - bytes * AMPLIFICATION < reserve) {
      bytesSince = Number.POSITIVE_INFINITY;
      const message = `the disk of ${path} has ${free} bytes free, ${Math.ceil(reserve)} are kept in reserve: make room`;
      throw new LogError("log_full", message, { retryable: true });
    }
    bytesSince = bytes;
    lookedAt = performance.now();
  };
}
