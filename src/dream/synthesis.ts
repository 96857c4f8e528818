/** The methods that make images, by name, the default first. Apart from what they do, so that naming them loads nothing. */
export const SYNTHESES = ['deepinversion', 'generator'] as const;
export type SynthesisName = (typeof SYNTHESES)[number];

/** What a student may learn from, the default first: a generator that learns along with it, or images made before. */
export const SOURCES = ['generator', 'deepinversion'] as const;
export type SourceName = (typeof SOURCES)[number];
