/** The value a share of the way from a to b. Infinite ones count as such, and those may lie farther apart than numbers reach. */

// @ts-ignore: decorator
@inline
export function between(a: f64, b: f64, share: f64): f64 {
  const distance = b - a;
  return distance - distance == 0 ? a + distance * share : a * (1 - share) + b * share;
}
