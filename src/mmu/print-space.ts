/** An address space as text for people: runs of pages with equal permissions, then the kernel half. */

import { hex, PAGE_BYTES, type PageNumber, pageStart } from "./address.ts";
import { describeRange, type KernelHalf } from "./kernel-half.ts";
import type { AddressSpace, PageEntry } from "./mmu.ts";

/** `rw-`; `---` for a page kept behind PROT_NONE. */
export function permissionText({ present, writable, executable }: PageEntry): string {
  return `${present ? "r" : "-"}${writable ? "w" : "-"}${executable ? "x" : "-"}`;
}

/**
 * Lines such as `0x200000-0x204000 r-x user 4 pages, 3 accessed, 0 dirty`. Pages that follow each other with the
 * same permissions share a line, whatever their frames.
 */
export function printSpace(space: AddressSpace, kernel?: KernelHalf): string[] {
  const lines: string[] = [];
  let run: Run | undefined;
  for (const [page, entry] of space.entries()) {
    const permissions = permissionText(entry);
    if (run === undefined || run.first + run.count !== page || run.permissions !== permissions) {
      if (run !== undefined) lines.push(runText(run));
      run = { first: page, count: 0, permissions, accessed: 0, dirty: 0 };
    }
    run.count++;
    if (entry.accessed) run.accessed++;
    if (entry.dirty) run.dirty++;
  }
  if (run !== undefined) lines.push(runText(run));
  return kernel === undefined ? lines : lines.concat(kernel.ranges.map(describeRange));
}

interface Run {
  readonly first: PageNumber;
  count: number;
  readonly permissions: string;
  accessed: number;
  dirty: number;
}

function runText({ first, count, permissions, accessed, dirty }: Run): string {
  const start = pageStart(first);
  const pages = count === 1 ? "1 page" : `${count} pages`;
  return `${hex(start)}-${hex(start + count * PAGE_BYTES)} ${permissions} user ${pages}, ${accessed} accessed, ${dirty} dirty`;
}
