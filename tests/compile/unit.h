/* unit.h - see unit_main.c */
#ifdef __cplusplus
extern "C"
#endif
int unit_other(const char *address, char canonical[]);
