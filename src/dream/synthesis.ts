/** The methods that make images, by name, the default first. Apart from what they do, so that naming them loads nothing. */
export const SYNTHESES = ['deepinversion'] as const;
export type SynthesisName = (typeof SYNTHESES)[number];

/** What a student may learn from: the methods that make images to keep, and a generator that learns along with it. */
export const SOURCES = ['deepinversion', 'generator'] as const;
export type SourceName = (typeof SOURCES)[number];
