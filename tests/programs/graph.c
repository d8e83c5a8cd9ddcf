/* Shortest paths three ways, components, and an order of a graph without cycles. */
#include "shim.h"
enum { N = 60, FAR = 1000000 };
static int weight[N][N], all[N][N], distance[N], done[N], parent[N];
static int root(int x) { while (parent[x] != x) x = parent[x] = parent[parent[x]]; return x; }
int main(void) {
  for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) all[i][j] = weight[i][j] = i == j ? 0 : random32() % 10 == 0 ? 1 + (int)(random32() % 100) : FAR;
  for (int k = 0; k < N; k++) for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) if (all[i][k] + all[k][j] < all[i][j]) all[i][j] = all[i][k] + all[k][j];
  int wrong = 0;
  u64 sum = 0;
  for (int start = 0; start < N; start += 7) {
    for (int i = 0; i < N; i++) distance[i] = i == start ? 0 : FAR, done[i] = 0;
    for (;;) {
      int at = -1;
      for (int i = 0; i < N; i++) if (!done[i] && distance[i] < FAR && (at < 0 || distance[i] < distance[at])) at = i;
      if (at < 0) break;
      done[at] = 1;
      for (int i = 0; i < N; i++) if (distance[at] + weight[at][i] < distance[i]) distance[i] = distance[at] + weight[at][i];
    }
    for (int i = 0; i < N; i++) wrong += distance[i] < FAR && distance[i] != all[start][i], sum += (u64)distance[i];
  }
  int components = N;
  for (int i = 0; i < N; i++) parent[i] = i;
  for (int i = 0; i < N; i++) for (int j = 0; j < i; j++) if (weight[i][j] < 20 && root(i) != root(j)) parent[root(i)] = root(j), components--;
  print("%u %d %d\n", sum, (i64)wrong, (i64)components);
  return wrong;
}
