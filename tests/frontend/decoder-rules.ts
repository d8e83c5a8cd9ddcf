/**
 * Where our decoder and iced-x86 disagree, and why: each rule says which instructions, by the text of both. A
 * disagreement without a rule is a mistake of one of the two.
 */

export type Disagreement = "validity" | "length" | "text" | "flags";

export interface Rule {
  readonly kind: Disagreement;
  /** On the text of the reference, without LOCK and REP; `(bad)` where it has none. */
  readonly theirs: RegExp;
  readonly ours: RegExp;
  readonly why: string;
}

const ANY = /^/;
const BAD = /^\(bad\)$/;
/** Instructions that raise #UD here, as CPUID says that they are not there. */
const absent = (names: string, why: string): Rule => ({
  kind: "validity",
  theirs: new RegExp(`^(${names})( |$)`),
  ours: BAD,
  why,
});
const text = (theirs: RegExp, why: string, ours = ANY): Rule => ({ kind: "text", theirs, ours, why });

export const RULES: readonly Rule[] = [
  absent("xabort|xbegin|xend|xtest|xsusldtrk|xresldtrk", "transactional memory"),
  absent("lkgs|erets|eretu", "FRED"),
  absent("encls|enclu|enclv|pconfig|pbndkb", "SGX and platform configuration"),
  absent(
    "vm(run|load|save|mcall|gexit|read|write|func|launch|resume|xoff|xon|clear|ptrld|ptrst)|clgi|stgi|skinit|invlpga|invlpgb|tlbsync|invept|invvpid|psmash|pvalidate|rmp\\w+",
    "virtual machines",
  ),
  absent("getsecq?", "SMX"),
  absent("rsm", "undefined outside system management mode"),
  absent("femms|pf\\w+|pi2f[wd]|pmulhrw|pavgusb|pswapd", "3DNow!"),
  absent("movntss|movntsd|extrq|insertq", "SSE4a"),
  absent("(rep )?(ccs_\\w+|xstore\\w*|xcrypt\\w+|montmul\\w*|xsha\\w+|xsha|undoc)", "PadLock"),
  absent("tpause|umonitor|umwait|monitorx?|mwaitx?", "waiting on memory"),
  absent("ptwrite|clui|stui|testui|uiret|senduipi", "processor trace, user interrupts"),
  absent("incssp[dq]|rstorssp|saveprevssp|setssbsy|clrssbsy|wrss[dq]|wruss[dq]|rdssp[dq]", "shadow stacks"),
  absent(
    "invpcid|clzero|rdpru|mcommit|rdpkru|wrpkru|serialize|hreset|wrmsrns|rdmsrlist|wrmsrlist|seamcall|seamret|seamops|tdcall|urdmsr|uwrmsr|pbndkb|prefetchrst2|loadall",
    "not there",
  ),
  absent("aes(enc|dec)\\w*kl|encodekey\\w+|loadiwkey", "Key Locker"),
  absent("movdir64b|movdiri|enqcmds?", "direct stores"),
  absent(
    "v\\w+|bextr|blc\\w+|bls\\w+|t1mskc|tzmsk|llwpcb|slwpcb|lwpins|lwpval",
    "XOP, TBM and LWP of AMD; AVX",
  ),
  absent("aadd|aand|aor|axor", "RAO-INT"),
  {
    kind: "validity",
    theirs: BAD,
    ours: /^mov ([cd]r\d|r\w+, [cd]r\d)/,
    why: "MOV with CR9 to CR15 and DR8 to DR15: undefined there, #GP here; user code may do neither",
  },

  text(/^(cmps|ins|movs)[bwdq] /, "it names ES beside the destination when there is a segment override"),
  text(/^(lods|scas|stos)[bwdq] /, "we print the accumulator"),
  text(/^xlat /, "we print XLATB without its operand", /^xlatb$/),
  text(/^(jecxz|jrcxz) /, "we have one name for both address sizes", /^jrcxz/),
  text(
    /^(sysexitq|sysretq|fxsave64|fxrstor64|xsave\w*64|xrstors64)/,
    "we have one name for all operand sizes",
  ),
  text(/^(sgdt|sidt|lgdt|lidt) /, "we print no size for descriptor tables"),
  text(/^(fldenv|fnstenv|frstor|fnsave) \w+ ptr /, "we print no size for environments"),
  text(
    /^(vmptrld|vmptrst|vmclear|vmxon|vmread|vmwrite)/,
    "instructions for virtual machines are #UD: no operands",
  ),
  text(/^fstpnce /, "an undocumented twin of FSTP", /^fstp /),
  text(/^lea /, "a segment override of LEA means nothing: we print it"),
  text(/^xchg (rax, rax|ax, ax)$/, "90 with a size prefix does nothing", /^nop$/),
  text(/^pause$/, "F3 with REX.B 90 exchanges R8, as processors have it", /^xchg r8/),
  text(/^ret( |$)/, "REP RET is RET", /^ret/),
  text(/^wbnoinvd$/, "F3 0F 09 does on older processors what WBINVD does: #GP", /^wbinvd$/),
  text(/^maskmov\w+ .*, (fs|gs|es|cs|ss|ds)$/, "it prints a segment override as an operand"),
  text(
    /^(cldemote|prefetch\w*|rdssp[dq]|nop|endbr\w+|reservednop) ?/,
    "hint space: what is not there is a NOP",
    /^(nop|prefetch)/,
  ),

  {
    kind: "flags",
    theirs: /^(rcl|rcr|rol|ror|sar|shl|sal|shr|shld|shrd) /,
    ours: ANY,
    why: "for a count in the instruction it looks at the count; a row holds for every count",
  },
  {
    kind: "flags",
    theirs: /^mov (r\w+, )?[cdt]r\d/,
    ours: ANY,
    why: "privileged: #GP changes no flags",
  },
];

export const ruleFor = (kind: Disagreement, theirs: string, ours: string): Rule | undefined =>
  RULES.find((rule) => rule.kind === kind && rule.theirs.test(theirs) && rule.ours.test(ours));
