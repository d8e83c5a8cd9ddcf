/* A treap with splits and an AVL tree hold the same keys. */
#include "shim.h"
struct node { struct node *left, *right; u32 key, priority; int height; };
static struct node pool[4000];
static int used;
static struct node *make(u32 key) { struct node *n = &pool[used++]; *n = (struct node){0, 0, key, random32(), 1}; return n; }
static void split(struct node *t, u32 key, struct node **l, struct node **r) {
  if (!t) *l = *r = 0;
  else if (t->key < key) { split(t->right, key, &t->right, r); *l = t; }
  else { split(t->left, key, l, &t->left); *r = t; }
}
static struct node *insert(struct node *t, struct node *n) {
  if (!t) return n;
  if (n->priority > t->priority) { split(t, n->key, &n->left, &n->right); return n; }
  if (n->key < t->key) t->left = insert(t->left, n); else t->right = insert(t->right, n);
  return t;
}
static int height(const struct node *n) { return n ? n->height : 0; }
static void measure(struct node *n) { int l = height(n->left), r = height(n->right); n->height = 1 + (l > r ? l : r); }
static struct node *turn_right(struct node *n) { struct node *l = n->left; n->left = l->right, l->right = n; measure(n), measure(l); return l; }
static struct node *turn_left(struct node *n) { struct node *r = n->right; n->right = r->left, r->left = n; measure(n), measure(r); return r; }
static struct node *avl(struct node *t, u32 key) {
  if (!t) return make(key);
  if (key < t->key) t->left = avl(t->left, key); else t->right = avl(t->right, key);
  measure(t);
  int balance = height(t->left) - height(t->right);
  if (balance > 1) { if (key >= t->left->key) t->left = turn_left(t->left); return turn_right(t); }
  if (balance < -1) { if (key < t->right->key) t->right = turn_right(t->right); return turn_left(t); }
  return t;
}
static u64 walk(const struct node *t, u64 hash) { return t ? walk(t->right, walk(t->left, hash) * 31 + t->key) : hash; }
static int depth(const struct node *t) { if (!t) return 0; int l = depth(t->left), r = depth(t->right); return 1 + (l > r ? l : r); }
int main(void) {
  struct node *treap = 0, *balanced = 0;
  for (int i = 0; i < 2000; i++) { u32 key = (u32)i * 2654435761u; treap = insert(treap, make(key)); balanced = avl(balanced, key); }
  print("%x %x %d %d\n", walk(treap, 0), walk(balanced, 0), (i64)depth(balanced), (i64)(depth(treap) < 40));
  return walk(treap, 0) != walk(balanced, 0);
}
