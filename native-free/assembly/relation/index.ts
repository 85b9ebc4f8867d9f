// Kernels of this module; see native-free/README.md for the contract.

export { mask_and, mask_and_not, mask_range, expand_bits, bits_eq_u8, bits_positive_i64, bits_found_u32 } from './bits';
export * from './keys';
export * from './encode';
export { codes_seen, encode_text, encode_text_codes, find_text, find_text_codes, rehash_text } from './encode-text';
export {
  agg_count, agg_sum_f64, agg_sum_f32, agg_merge_f64, agg_product_f64, agg_sum_i64, agg_sum_u64, agg_sum_i32, agg_sum_u32,
  agg_sum_i16, agg_sum_u16, agg_sum_i8, agg_sum_u8, agg_sum_i128, agg_moments_f64, agg_merge_moments, agg_co_moments_f64,
  agg_merge_co_moments,
} from './sums';
export {
  agg_sum_product_f64_f64, agg_sum_product_f64_i64, agg_sum_product_f64_i32, agg_sum_product_i64_f64, agg_sum_product_i64_i64,
  agg_sum_product_i64_i32, agg_sum_product_i32_f64, agg_sum_product_i32_i64, agg_sum_product_i32_i32,
} from './products';
export {
  agg_add_i64, agg_add_i32, agg_add_u32, agg_add_i16, agg_add_u16, agg_add_i8, agg_add_u8, agg_carry_i64, agg_take_i64,
} from './whole-sums';
export * from './runs';
export * from './together';
export {
  agg_min_i8, agg_min_i16, agg_min_i32, agg_min_i64, agg_min_u8, agg_min_u16, agg_min_u32, agg_min_u64, agg_min_f32, agg_min_f64,
  agg_max_i8, agg_max_i16, agg_max_i32, agg_max_i64, agg_max_u8, agg_max_u16, agg_max_u32, agg_max_u64, agg_max_f32, agg_max_f64,
  agg_extreme_w16, agg_extreme_text, agg_first_w1, agg_first_w2, agg_first_w4, agg_first_w8, agg_first_w16, agg_last_w1, agg_last_w2,
  agg_last_w4, agg_last_w8, agg_last_w16, agg_pick_w1, agg_pick_w2, agg_pick_w4, agg_pick_w8, agg_pick_w16,
} from './extremes';
export * from './lists';
export * from './ranges';
export * from './ranks';
export * from './sort';
export * from './finish';
export { hash_text, hash_u128, hash_u64, take_hashes } from './hashes';
export { hll_add, hll_estimate, hll_merge } from './hyperloglog';
export { digest_add, digest_merge, digest_quantiles } from './tdigest';
export { top_offer, top_within } from './tops';
