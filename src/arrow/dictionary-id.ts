/** Identities for dictionaries that come with data: negative, never those of stored columns. */

let next = -1;

export function freshDictionaryId(): number {
  return next--;
}
