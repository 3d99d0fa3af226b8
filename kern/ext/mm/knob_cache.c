/* knob_cache.c: adds knobs to mm/writeback.c and mm/flusher.c; a first reader may
 * skip it. */
#include "ext/mm/knob.h"
#include "mm/writeback.h"

static const char *
flush_now(const char *text)
{
    (void)text;
    flush_everything();
    return NULL;
}

static const struct knob flush_knob = {
    .name = "flush_now",
    .help = "write all dirty pages of files, and wait",
    .set = flush_now,
};
TABLE_ADD(knob, flush_knob);

#define NUMBER(variable, text)                                      \
    static const struct knob variable##_knob = {.name = #variable,  \
                                                .help = (text),     \
                                                .value = &variable, \
                                                .min = 1,           \
                                                .max = UINT32_MAX}; \
    TABLE_ADD(knob, variable##_knob)

NUMBER(flush_period, "ms between two looks of the flusher");
NUMBER(flush_age, "ms until a dirty page is written");
NUMBER(dirty_background, "dirty pages above which the flusher begins");
NUMBER(dirty_limit, "dirty pages above which writers wait");
