/**
 * The workspace of the ZSTD encoder, which the caller passes and begin_zstd_frame clears: what a frame carries from block to block, and what a
 * block needs. Offsets in it:
 */
export const HASHES: usize = 0; //         u32 × 65,536: 1 + the place, from the frame's beginning, of the value that had a hash last
export const HASH_BITS: u32 = 16;
export const STATE: usize = 262144; //     the last three distances; bits that a literal takes, in sixteenths
export const REP1: usize = STATE;
export const REP2: usize = STATE + 4;
export const REP3: usize = STATE + 8;
export const LITERAL_COST: usize = STATE + 12;
export const SEQUENCES: usize = 262208; // u32 × 3 × 43,691: literals, match length, offset value
export const LITERALS: usize = 786560; //  128 KiB
export const BODY: usize = 917696; //      the block in the making: 128 KiB and what may be written beyond
export const COUNTS: usize = 1049856; //   u32 × 256
export const LENGTHS: usize = 1050880; //  u8 × 256: code lengths
export const CODES: usize = 1051136; //    u16 × 256
export const ORDER: usize = 1051648; //    u32 × 256: symbols by count
export const TREE: usize = 1052672; //     u32 × 512
export const NORMAL: usize = 1054720; //   u16 × 256: normalised counts
export const SPREAD: usize = 1055232; //   u8 × 512
export const LENGTH_TABLE: usize = 1055744; // FSE tables: 512 × u16 states, 64 × (u32, i32) what a symbol does to them
export const OFFSET_TABLE: usize = 1057280;
export const MATCH_TABLE: usize = 1058816;
export const WEIGHT_TABLE: usize = 1060352;
export const WEIGHTS: usize = 1061888; //  u8 × 256
export const WORK_BYTES: usize = 1062144;

export const BLOCK_BYTES: usize = 131072;
