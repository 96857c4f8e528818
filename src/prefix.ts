/** The entries whose name begins with `prefix`, by the rest of their name. */
export function select<T>(entries: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  const found = Object.entries(entries).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** The entries with `prefix` before their names. */
export function prefixed<T>(prefix: string, entries: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [prefix + name, value]));
}
