/* NVML's symbols without a driver: as many GPUs as STANDIN_GPUS says, one in MIG mode, one lost. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15 };
typedef struct { int index; } device;
typedef struct { unsigned int gpu, memory; } utilization;
typedef struct { unsigned long long total, free, used; } memory;

static device devices[16];
static int said(const char *name, int otherwise) {
  const char *text = getenv(name);
  return text == NULL ? otherwise : atoi(text);
}

int nvmlInit_v2(void) { return said("STANDIN_INIT", SUCCESS); }
int nvmlDeviceGetCount_v2(unsigned int *count) { *count = said("STANDIN_GPUS", 2); return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, device **handle) {
  if (index >= 16) return INVALID_ARGUMENT;
  if ((int)index == said("STANDIN_LOST", -1)) return GPU_IS_LOST;
  devices[index].index = index;
  *handle = &devices[index];
  return SUCCESS;
}
int nvmlDeviceGetName(device *d, char *name, unsigned int length) {
  snprintf(name, length, "NVIDIA Stand-in %d", d->index);
  return SUCCESS;
}
int nvmlDeviceGetUtilizationRates(device *d, utilization *u) {
  if (d->index == said("STANDIN_MIG", -1)) return NOT_SUPPORTED;
  u->gpu = 40 + d->index;
  u->memory = 7;
  return SUCCESS;
}
int nvmlDeviceGetMemoryInfo(device *d, memory *m) {
  m->total = 40960ULL << 20;
  m->used = (5000ULL + d->index) << 20;
  m->free = m->total - m->used;
  return SUCCESS;
}
int nvmlDeviceGetPowerUsage(device *d, unsigned int *milliwatts) {
  *milliwatts = 210520 + d->index;
  return SUCCESS;
}
const char *nvmlErrorString(int code) {
  return code == DRIVER_NOT_LOADED ? "Driver Not Loaded" : code == GPU_IS_LOST ? "GPU is lost" : "Not Supported";
}
