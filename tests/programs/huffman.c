/* Huffman codes from frequencies, a coded text, and its decoding. */
#include "shim.h"
struct node { u32 weight; int left, right; };
static struct node nodes[512];
static int count;
static u32 codes[256];
static int lengths[256];
static void assign(int at, u32 code, int length) {
  if (nodes[at].left < 0) { codes[nodes[at].right] = code; lengths[nodes[at].right] = length; return; }
  assign(nodes[at].left, code << 1, length + 1);
  assign(nodes[at].right, code << 1 | 1, length + 1);
}
static u8 text[4000], bits[8000];
int main(void) {
  u32 weights[64] = {0};
  for (int i = 0; i < 4000; i++) { u32 r = random32(); text[i] = (u8)(__builtin_ctz(r | 1u << 20) + (r >> 30)); weights[text[i]]++; }
  int heap[64], n = 0;
  for (int s = 0; s < 64; s++) if (weights[s]) { nodes[count] = (struct node){weights[s], -1, s}; heap[n++] = count++; }
  while (n > 1) {
    for (int pass = 0; pass < 2; pass++)
      for (int i = n - 1 - pass; i > 0; i--) if (nodes[heap[i]].weight > nodes[heap[i - 1]].weight) { int t = heap[i]; heap[i] = heap[i - 1]; heap[i - 1] = t; }
    for (int i = 0; i < n; i++) for (int j = i + 1; j < n; j++) if (nodes[heap[j]].weight > nodes[heap[i]].weight) { int t = heap[i]; heap[i] = heap[j]; heap[j] = t; }
    nodes[count] = (struct node){nodes[heap[n - 1]].weight + nodes[heap[n - 2]].weight, heap[n - 1], heap[n - 2]};
    heap[n - 2] = count++;
    n--;
  }
  int root = heap[0];
  assign(root, 0, 0);
  int used = 0;
  for (int i = 0; i < 4000; i++) for (int b = lengths[text[i]] - 1; b >= 0; b--, used++) if (codes[text[i]] >> b & 1) bits[used >> 3] |= (u8)(1 << (used & 7));
  int at = root, wrong = 0, out = 0;
  for (int i = 0; i < used; i++) {
    at = bits[i >> 3] >> (i & 7) & 1 ? nodes[at].right : nodes[at].left;
    if (nodes[at].left < 0) { wrong += text[out++] != nodes[at].right; at = root; }
  }
  for (int s = 0; s < 64; s++) if (lengths[s]) print("%d:%d ", (i64)s, (i64)lengths[s]);
  print("\n%d bits, %d symbols, %d wrong\n", (i64)used, (i64)out, (i64)wrong);
  return wrong;
}
