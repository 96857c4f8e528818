/** The methods that make images, by name, the default first. Apart from what they do, so that naming them loads nothing. */
export const SYNTHESES = ['deepinversion'] as const;
export type SynthesisName = (typeof SYNTHESES)[number];
