/* SPDX-License-Identifier: Apache-2.0 */
/* cppcheck.h - read by cppcheck before each file: jansson's loops, whose headers it is not given.
 */
#define json_array_foreach(array, index, value) \
	for ((index) = 0; ((value) = json_array_get((array), (index))); (index)++)
#define json_object_foreach(object, key, value) \
	for ((key) = json_first_key(object); (key) && ((value) = json_of(key)); \
	     (key) = json_next_key(key))
