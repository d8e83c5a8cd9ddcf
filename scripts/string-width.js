/** Stands in for the package of this name in the bundle: the help of the command is ASCII, one column a character. */
export default (text) => text.length;
