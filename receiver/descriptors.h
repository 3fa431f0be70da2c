/* descriptors.h: the protocol's files as protoc describes them.
 * Is:         a google.protobuf.FileDescriptorSet, whole with all imports, that scripts/bytes.sh puts
 *             into the program at build time.
 */
#ifndef SPANMAP_RECEIVER_DESCRIPTORS_H
#define SPANMAP_RECEIVER_DESCRIPTORS_H

#include <stddef.h>

extern const unsigned char descriptor_set[];
extern const size_t descriptor_set_size;

#endif
