//! Generates pictures for people and posts: a small landscape derived from a name, without files or
//! requests to other hosts. They are raster images, because Evergrant's image proxy does not accept
//! SVG.

use sha2::{Digest, Sha256};

/// Width and height of a picture in pixels.
const SIDE: i32 = 128;
/// Number of hills; each has one color of the palette.
const LAYERS: i32 = 4;
/// Number of colors of the sky; they are the first ones of the palette.
const SKY_SHADES: u8 = 64;
/// Palette index of the sun.
const SUN: u8 = SKY_SHADES;

/// Returns the picture of `name` as PNG, in colors near `hue` degrees. Deterministic.
pub(crate) fn landscape(name: &str, hue: u16) -> Vec<u8> {
    let seed: [u8; 32] = Sha256::digest(name).into();
    let scene = Scene {
        seed: seed.map(i32::from),
    };
    let mut rows = Vec::new();
    for y in 0..SIDE {
        rows.push(0); // PNG's "no filter" before each row
        rows.extend((0..SIDE).map(|x| scene.color_at(x, y)));
    }
    png(&palette(hue), &rows)
}

/// A landscape; the seed determines its shapes.
struct Scene {
    seed: [i32; 32],
}

impl Scene {
    fn seed_byte(&self, index: i32) -> i32 {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.seed.get(index))
            .copied()
            .unwrap_or_default()
    }

    /// Returns the palette index of a pixel: the nearest hill that covers it, otherwise the sun or
    /// the sky.
    fn color_at(&self, x: i32, y: i32) -> u8 {
        let hill = (0..LAYERS).rev().find(|layer| y > self.crest(*layer, x));
        if let Some(hill) = hill {
            return SUN + 1 + u8::try_from(hill).unwrap_or_default();
        }
        let (sun_x, sun_y) = (30 + self.seed_byte(0) % 68, 26 + self.seed_byte(1) % 22);
        let radius = 12 + self.seed_byte(2) % 6;
        if (x - sun_x).pow(2) + (y - sun_y).pow(2) <= radius * radius {
            return SUN;
        }
        u8::try_from(y * i32::from(SKY_SHADES) / SIDE).unwrap_or_default()
    }

    /// Returns the y coordinate of a hill's crest at `x`: the sum of two waves of different length.
    fn crest(&self, layer: i32, x: i32) -> i32 {
        let (broad, fine) = (self.seed_byte(4 + layer * 2), self.seed_byte(5 + layer * 2));
        let height = 62 + layer * 16;
        height - wave(x + broad) * (12 - layer) / 64 - wave(x * 3 + fine) * 3 / 64
    }
}

/// Returns a smooth periodic wave of length 256 with values from -64 to 64, made of two parabolas.
fn wave(at: i32) -> i32 {
    let at = at.rem_euclid(256);
    let arch = |half: i32| half * (128 - half) / 64;
    if at < 128 { arch(at) } else { -arch(at - 128) }
}

/// Returns the palette: the sky from light to lighter, the sun, and the hills from pale to dark.
fn palette(hue: u16) -> Vec<u8> {
    let sky = (0..i32::from(SKY_SHADES))
        .map(|shade| rgb(i32::from(hue) + 20 - shade / 2, 52, 78 + shade / 4));
    let sun = std::iter::once([255, 250, 235]);
    let hills =
        (0..LAYERS).map(|layer| rgb(i32::from(hue) - layer * 6, 38 + layer * 4, 66 - layer * 13));
    sky.chain(sun).chain(hills).flatten().collect()
}

/// Converts HSL to RGB: hue in degrees, saturation and lightness in percent.
fn rgb(hue: i32, saturation: i32, lightness: i32) -> [u8; 3] {
    let reach = saturation * lightness.min(100 - lightness) / 100;
    [0, 8, 4].map(|offset| {
        // In hundredths of 30 degrees.
        let k = (offset * 100 + hue.rem_euclid(360) * 100 / 30) % 1200;
        let slope = (k - 300).min(900 - k).clamp(-100, 100);
        let percent = lightness - reach * slope / 100;
        u8::try_from(percent.clamp(0, 100) * 255 / 100).unwrap_or_default()
    })
}

/// Encodes an indexed image as PNG. The pixels are stored uncompressed (16 KiB), which needs no
/// compression library.
fn png(palette: &[u8], rows: &[u8]) -> Vec<u8> {
    let side = u32::try_from(SIDE).unwrap_or_default().to_be_bytes();
    let head = [side.as_slice(), &side, &[8, 3, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [
        (b"IHDR", head.as_slice()),
        (b"PLTE", palette),
        (b"IDAT", &stored(rows)),
        (b"IEND", &[]),
    ] {
        let named = [kind.as_slice(), content].concat();
        file.extend(
            u32::try_from(content.len())
                .unwrap_or_default()
                .to_be_bytes(),
        );
        file.extend(&named);
        file.extend(crc32(&named).to_be_bytes());
    }
    file
}

/// Returns a zlib stream with one stored block (RFC 1950, RFC 1951 §3.2.4), for up to 65,535 bytes.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or_default();
    let head = [
        &[0x78, 0x01, 0x01],
        length.to_le_bytes().as_slice(),
        &(!length).to_le_bytes(),
    ]
    .concat();
    [head.as_slice(), bytes, &adler32(bytes).to_be_bytes()].concat()
}

fn adler32(bytes: &[u8]) -> u32 {
    let step = |(a, b): (u32, u32), byte: &u8| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    };
    let (a, b) = bytes.iter().fold((1, 0), step);
    b << 16 | a
}

fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| {
        if crc & 1 == 1 {
            crc >> 1 ^ 0xEDB8_8320
        } else {
            crc >> 1
        }
    };
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc))
    })
}
