/* A program with nothing in it but a room: that it links is the check. */
int
main(void)
{
	return (0);
}
