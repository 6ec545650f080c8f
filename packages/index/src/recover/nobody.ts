/** The account that made projects and files of which the good records know nothing. */
export const NOBODY = 'recovered';
