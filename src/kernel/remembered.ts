/**
 * What a checker worked out, kept as long as everything it was worked out from is the same: a check after every kernel
 * call then costs what the call changed. The inputs are ground truth itself, compared one by one; nobody has to
 * announce a change.
 */

interface Known<Value> {
  readonly inputs: readonly unknown[];
  readonly value: Value;
}

export class Remembered<Subject extends object, Value> {
  readonly #known = new WeakMap<Subject, Known<Value>>();

  /** `inputs` are all that `work` looks at; each is immutable. */
  of(subject: Subject, inputs: readonly unknown[], work: () => Value): Value {
    const known = this.#known.get(subject);
    if (known !== undefined && areSame(known.inputs, inputs)) return known.value;
    const value = work();
    this.#known.set(subject, { inputs, value });
    return value;
  }
}

function areSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}
