/* The part of libjpeg-turbo that the page needs: a header, then the pixels, decoded as TurboJPEG's tj3Decompress8 does (accurate DCT, smooth chroma).
   Errors leave by an exception that JavaScript throws; the instance is then thrown away. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "jpeglib.h"
#include "jerror.h"

__attribute__((import_module("env"), import_name("fail"))) void fail(const char *message);

static struct jpeg_decompress_struct d;
static struct jpeg_error_mgr err;
static char first[JMSG_LENGTH_MAX];
static int info[16];

static void on_error(j_common_ptr c) { char m[JMSG_LENGTH_MAX]; err.format_message(c, m); fail(m); __builtin_trap(); }
static void on_output(j_common_ptr c) { if (!first[0]) err.format_message(c, first); }

void *take(unsigned long n) { return malloc(n); }
const char *warning(void) { return first; }

/* width, height, components, color space, precision, progressive, lossless, then sampling factors: h, v of up to four components */
int *header(const unsigned char *data, unsigned long n) {
  d.err = jpeg_std_error(&err);
  err.error_exit = on_error; err.output_message = on_output;
  jpeg_create_decompress(&d);
  jpeg_mem_src(&d, data, n);
  jpeg_read_header(&d, TRUE);
  info[0] = d.image_width; info[1] = d.image_height; info[2] = d.num_components; info[3] = d.jpeg_color_space;
  info[4] = d.data_precision; info[5] = d.progressive_mode; info[6] = 0;
  for (int i = 0; i < d.num_components && i < 4; i++) { info[7 + 2*i] = d.comp_info[i].h_samp_factor; info[8 + 2*i] = d.comp_info[i].v_samp_factor; }
  return info;
}

/* all rows at eighths/8 of the size; RGB, or CMYK as it is stored; info[0..1] then say the size */
unsigned char *pixels(int eighths, int cmyk) {
  d.out_color_space = cmyk ? JCS_CMYK : JCS_EXT_RGB;
  d.do_fancy_upsampling = TRUE; d.dct_method = JDCT_ISLOW;
  d.scale_num = eighths; d.scale_denom = 8;
  jpeg_start_decompress(&d);
  unsigned long row = (unsigned long)d.output_width*d.output_components;
  unsigned char *out = malloc(row*d.output_height);
  if (!out) fail("out of memory");
  while (d.output_scanline < d.output_height) { JSAMPROW at = out + row*d.output_scanline; jpeg_read_scanlines(&d, &at, 1); }
  info[0] = d.output_width; info[1] = d.output_height;
  jpeg_finish_decompress(&d);
  return out;
}
