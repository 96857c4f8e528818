/** The methods that make images, by name, the default first. Apart from what they do, so that naming them loads nothing. */
export const SYNTHESES = ['deepinversion', 'generator'] as const;
export type SynthesisName = (typeof SYNTHESES)[number];

/**
 * What a student may learn from, the default first: a generator that learns along with it, images made before, or images
 * of which half are made against it as it learns.
 */
export const SOURCES = ['generator', 'deepinversion', 'adaptive'] as const;
export type SourceName = (typeof SOURCES)[number];
