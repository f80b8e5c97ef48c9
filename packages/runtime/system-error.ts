/** Errors of the file system, in words. */
const WHY: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "its disk is read-only",
  ENOSPC: "its disk is full",
  EDQUOT: "this user's share of its disk is full",
  ENOTDIR: "a part of the path is a file, not a folder",
  EISDIR: "it is a folder, not a file",
  EEXIST: "it is a file, not a folder",
  ENOENT: "a part of the path does not exist and can't be made",
  ENAMETOOLONG: "the path is too long",
};

/** whyOf says what the file system refused, such as "its disk is full"; an error it has no words for by its code. */
export function whyOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? String(error) : (WHY[code] ?? code);
}

/** Where a file was to be read, not written. */
const WHY_UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EPERM: "this user may not read it",
};

/** whyUnreadable says why a file could not be read, such as "there is no such file". */
export function whyUnreadable(error: unknown): string {
  return WHY_UNREADABLE[(error as NodeJS.ErrnoException).code ?? ""] ?? whyOf(error);
}

/** isFileError returns true for an error of the file system that names a path. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException & { readonly path: string } {
  return error instanceof Error && "syscall" in error && "path" in error && typeof error.path === "string";
}
