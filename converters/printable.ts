const MAX_NAME = 200;

/**
 * Text that a terminal shows and does not obey: control characters and the marks that reorder text are written as
 * escapes. Names in a model file are whatever its author chose.
 */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, escape);
}

/** A name for people to read: long ones lose their middle. */
export function shorten(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME / 2)}...${name.slice(-MAX_NAME / 2)}`;
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
